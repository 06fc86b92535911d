"""What things are: a tree of categories of our own, two levels deep, in both languages."""

from dataclasses import dataclass
from functools import cache

from marketplace.kernel import words


@dataclass(frozen=True, slots=True)
class Category:
    """A sort of thing; `parent` is the code of what it belongs to, or nothing at the top."""

    code: str
    en: str
    ko: str
    parent: str | None = None

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return self.ko if words.language.get() == "ko" else self.en


_TREE = """
tools | Tools | 공구
 drills | Drills and screwdrivers | 드릴·전동 드라이버
 saws | Saws | 톱
 sanders | Sanders and planers | 샌더·대패
 hand-tools | Hand tools | 수공구
 measuring | Measuring and levelling | 측정·수평 도구
 welding | Welding and soldering | 용접·납땜
 compressors | Compressors and nail guns | 컴프레서·타카
 multi-tools | Grinders and multi-tools | 그라인더·멀티툴
ladders | Ladders and lifting | 사다리·운반
 step-ladders | Step ladders | 접이식 사다리
 long-ladders | Long ladders | 긴 사다리
 trolleys | Hand trucks and trolleys | 손수레·대차
 lifting | Jacks, straps and lifting gear | 잭·결박끈·견인 도구
 moving | Moving boxes and blankets | 이사 상자·덮개
decorating | Painting and decorating | 도장·인테리어
 painting | Paint rollers and sprayers | 페인트 롤러·분무기
 wallpaper | Wallpapering | 도배 도구
 tiling | Tiling | 타일 시공
 flooring | Flooring | 바닥 시공
 heat-guns | Heat guns and glue guns | 열풍기·글루건
garden | Garden and balcony | 정원·베란다
 mowers | Lawn mowers | 잔디깎이
 hedge | Hedge trimmers and pruners | 전정기·전지가위
 digging | Spades, forks and tillers | 삽·쇠스랑·경운기
 watering | Hoses and watering | 호스·관수
 leaf | Leaf blowers and shredders | 송풍기·파쇄기
 planting | Planters and seed trays | 화분·모종판
cleaning | Cleaning | 청소
 vacuums | Vacuum cleaners | 청소기
 carpet | Carpet and sofa cleaners | 카펫·소파 세척기
 pressure | Pressure washers | 고압 세척기
 steam | Steam cleaners | 스팀 청소기
 windows | Window cleaning | 창문 청소
 dehumidifiers | Dehumidifiers and fans | 제습기·송풍기
kitchen | Kitchen | 주방
 baking | Baking | 베이킹
 mixers | Mixers and blenders | 믹서·블렌더
 big-pots | Large pots and pans | 대형 냄비·솥
 grills | Table grills and raclette | 전기 그릴·라클렛
 pasta | Pasta and noodle makers | 제면기
 drying | Dehydrators and smokers | 건조기·훈연기
 juicing | Juicers and presses | 착즙기
 kimchi | Kimchi making | 김장 도구
 coffee | Coffee and tea | 커피·차 도구
party | Parties and gatherings | 모임·잔치
 tables | Folding tables | 접이식 탁자
 chairs | Folding chairs | 접이식 의자
 dishes | Dishes and glasses | 그릇·잔
 tents | Party tents and awnings | 천막·캐노피
 decoration | Decoration and lights | 장식·조명
 party-games | Party games | 잔치 놀이
 barbecue | Barbecues | 바비큐 그릴
 serving | Serving and buffet | 뷔페·배식 도구
sound | Sound and stage | 음향·무대
 speakers | Speakers | 스피커
 microphones | Microphones | 마이크
 karaoke | Karaoke | 노래방 기기
 mixers-audio | Mixing desks | 믹싱 콘솔
 stage-lights | Stage lights | 무대 조명
picture | Pictures and screens | 영상·화면
 projectors | Projectors | 프로젝터
 screens | Screens | 스크린
 cameras | Cameras | 카메라
 lenses | Lenses and tripods | 렌즈·삼각대
 action-cameras | Action cameras | 액션캠
 scanners | Photo and slide scanners | 사진·필름 스캐너
electronics | Electronics | 전자기기
 laptops | Laptops and tablets | 노트북·태블릿
 printers | Printers and 3D printers | 프린터·3D 프린터
 game-consoles | Game consoles | 게임기
 chargers | Power banks and adapters | 보조 배터리·어댑터
 electronics-test | Test and repair | 계측·수리
music | Musical instruments | 악기
 guitars | Guitars | 기타
 keyboards | Keyboards | 건반 악기
 strings | Violins and cellos | 현악기
 winds | Wind instruments | 관악기
 drums | Drums and percussion | 드럼·타악기
 korean-instruments | Korean instruments | 국악기
 amplifiers | Amplifiers | 앰프
sport | Sport | 운동
 balls | Ball sports | 구기
 rackets | Rackets | 라켓
 fitness | Fitness | 피트니스
 winter | Skis, sledges and skates | 스키·썰매·스케이트
 water | Water sports | 수상 스포츠
 climbing | Climbing | 등반
 skating | Skates and boards | 인라인·보드
 golf | Golf | 골프
 fishing | Fishing | 낚시
 martial | Martial arts | 무술
camping | Camping and travel | 캠핑·여행
 camping-tents | Tents | 텐트
 sleeping | Sleeping bags and mats | 침낭·매트
 camp-kitchen | Camp kitchen | 캠핑 주방
 camp-furniture | Camp furniture | 캠핑 가구
 lanterns | Lanterns and power | 랜턴·전원
 rucksacks | Rucksacks | 배낭
 suitcases | Suitcases | 여행 가방
 roof | Roof boxes and racks | 루프 박스·캐리어
bicycles | Bicycles | 자전거
 city-bikes | City and folding bicycles | 생활·접이식 자전거
 cargo-bikes | Cargo bicycles and trailers | 화물 자전거·트레일러
 child-bikes | Children's bicycles | 어린이 자전거
 child-seats | Child seats for bicycles | 자전거 유아 안장
 bike-tools | Bicycle tools and pumps | 자전거 공구·펌프
children | Babies and children | 아기·어린이
 prams | Prams and pushchairs | 유모차
 car-seats | Car seats | 카시트
 carriers | Baby carriers | 아기띠
 cots | Travel cots | 여행용 아기 침대
 high-chairs | High chairs and gates | 유아 의자·안전문
 toys | Toys | 장난감
 outdoor-toys | Outdoor toys | 야외 놀이감
games | Games and books | 놀이·책
 board-games | Board games | 보드게임
 puzzles | Puzzles | 퍼즐
 picture-books | Children's books | 어린이 책
 books | Books | 책
 garden-games | Garden games | 마당 놀이
 yut | Traditional games | 전통 놀이
craft | Craft and sewing | 공예·재봉
 sewing | Sewing machines | 재봉틀
 knitting | Knitting and weaving | 뜨개·직조
 printing | Printing and stamping | 판화·도장 새기기
 pottery | Pottery | 도예
 leather | Leather and jewellery | 가죽·금속 공예
 painting-art | Painting and drawing | 그림 도구
clothing | Clothing and costume | 의상
 hanbok | Hanbok | 한복
 suits | Suits and gowns | 정장·드레스
 costumes | Costumes | 분장 의상
 work-clothes | Work clothes and protection | 작업복·보호구
health | Health and mobility | 건강·이동 보조
 wheelchairs | Wheelchairs | 휠체어
 walkers | Walkers and crutches | 보행기·목발
 bath-aids | Bath and bed aids | 욕실·침대 보조
 massage | Massage and warmth | 안마·온열
 blood-pressure | Meters | 측정기
 air | Air purifiers and humidifiers | 공기 청정기·가습기
pets | Pets | 반려동물
 carriers-pets | Carriers and crates | 이동장
 grooming | Grooming | 미용 도구
 aquariums | Aquariums | 수조
other | Other things | 그 밖의 물건
"""


@cache
def tree() -> tuple[Category, ...]:
    """Every category, each after what it belongs to, in the order in which people are shown them."""
    found: list[Category] = []
    top = None
    for line in _TREE.strip("\n").splitlines():
        code, en, ko = (part.strip() for part in line.split("|"))
        below = line.startswith(" ")
        found.append(Category(code, en, ko, top if below else None))
        top = top if below else code
    return tuple(found)


@cache
def _by_code() -> dict[str, Category]:
    return {category.code: category for category in tree()}


def by_code(code: str) -> Category:
    """The category of a code. Raises KeyError."""
    return _by_code()[code]


def known(code: str) -> bool:
    """Whether there is such a category."""
    return code in _by_code()


def with_all_below(code: str) -> list[str]:
    """The code of a category and of all that belong to it; a code nobody knows stands for nothing."""
    return [category.code for category in tree() if code in (category.code, category.parent)]


def words_of(code: str) -> str:
    """The names, in both languages, by which things of a category are found."""
    own = by_code(code)
    family = [own, by_code(own.parent)] if own.parent else [own]
    return " ".join(f"{one.en} {one.ko}" for one in family)
